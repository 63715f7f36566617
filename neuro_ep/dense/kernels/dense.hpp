// What the dense templates share: one matrix product for float and double, on the
// BLAS of the scipy-openblas32 wheel (its symbols carry the prefix scipy_).
#ifndef NEURO_EP_DENSE_HPP
#define NEURO_EP_DENSE_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// Memory that one operation needs while it runs and all operations share.
template <typename real>
inline real *scratch(int slot, size_t size) {
    static std::vector<std::vector<real>> memory;
    if (memory.size() <= (size_t)slot) memory.resize(slot + 1);
    if (memory[slot].size() < size) memory[slot].resize(size);
    return memory[slot].data();
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

// Held sources: what is kept while the presynaptic values stay as they are.
template <typename real>
struct Held {
    real *source, *current, *pending, *gram;
    int32_t *flags;  // whether all this is valid, whether changes are pending
    int replicas, n_pre, n_post;

    // w += source^T pending
    void settle(real *matrix) {
        if (!flags[1]) return;
        product(transposed, plain, n_pre, n_post, replicas, (real)1, source, n_pre,
                pending, n_post, (real)1, matrix);
        std::fill(pending, pending + replicas * n_post, (real)0);
        flags[1] = 0;
    }

    // target = scale * source w, from what is kept unless the source has changed
    void deliver(const real *now, real *matrix, real scale, real *target) {
        const int n = replicas * n_post;
        if (!flags[0] || std::memcmp(now, source, sizeof(real) * replicas * n_pre)) {
            settle(matrix);
            std::copy(now, now + replicas * n_pre, source);
            product(plain, plain, replicas, n_post, n_pre, (real)1, source, n_pre, matrix,
                    n_post, (real)0, current);
            product(plain, transposed, replicas, replicas, n_pre, (real)1, source, n_pre,
                    source, n_pre, (real)0, gram);
            flags[0] = 1;
        }
        std::copy(current, current + n, target);
        if (flags[1])
            product(plain, plain, replicas, n_post, replicas, (real)1, gram, replicas,
                    pending, n_post, (real)1, target);
        if (scale != 1)
            for (int k = 0; k < n; k++) target[k] *= scale;
    }
};

}  // namespace neuro_ep

#endif
