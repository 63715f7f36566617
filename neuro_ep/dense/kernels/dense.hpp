// What the dense templates share: one matrix product for float and double, on the
// BLAS of the scipy-openblas32 wheel (its symbols carry the prefix scipy_).
#ifndef NEURO_EP_DENSE_HPP
#define NEURO_EP_DENSE_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" {
void scipy_cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k,
                       float alpha, const float *a, int lda, const float *b, int ldb,
                       float beta, float *c, int ldc);
void scipy_cblas_dgemm(int order, int transpose_a, int transpose_b, int m, int n, int k,
                       double alpha, const double *a, int lda, const double *b, int ldb,
                       double beta, double *c, int ldc);
}

namespace neuro_ep {

enum : int { row_major = 101, plain = 111, transposed = 112 };

// c = beta*c + alpha * op(a) op(b); all row-major; c is m x n, the inner size is k.
inline void product(int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                    const float *a, int lda, const float *b, int ldb, float beta,
                    float *c) {
    scipy_cblas_sgemm(row_major, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb,
                      beta, c, n);
}

inline void product(int transpose_a, int transpose_b, int m, int n, int k, double alpha,
                    const double *a, int lda, const double *b, int ldb, double beta,
                    double *c) {
    scipy_cblas_dgemm(row_major, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb,
                      beta, c, n);
}

// Every entry of a row of out is the sum of the same row of a (rows x columns_a).
template <typename real>
inline void spread_row_sums(const real *a, int rows, int columns_a, real *out,
                            int columns_out) {
    for (int row = 0; row < rows; row++) {
        real sum = 0;
        for (int column = 0; column < columns_a; column++)
            sum += a[row * columns_a + column];
        std::fill(out + row * columns_out, out + (row + 1) * columns_out, sum);
    }
}

}  // namespace neuro_ep

#endif
