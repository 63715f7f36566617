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
#ifdef _OPENMP
#include <omp.h>
#endif

extern "C" {
void scipy_openblas_set_num_threads(int threads);
void scipy_cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k,
                       float alpha, const float *a, int lda, const float *b, int ldb,
                       float beta, float *c, int ldc);
void scipy_cblas_dgemm(int order, int transpose_a, int transpose_b, int m, int n, int k,
                       double alpha, const double *a, int lda, const double *b, int ldb,
                       double beta, double *c, int ldc);
}

namespace neuro_ep {

enum : int { row_major = 101, plain = 111, transposed = 112 };

inline void gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                 const float *a, int lda, const float *b, int ldb, float beta, float *c,
                 int ldc) {
    scipy_cblas_sgemm(row_major, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb,
                      beta, c, ldc);
}

inline void gemm(int transpose_a, int transpose_b, int m, int n, int k, double alpha,
                 const double *a, int lda, const double *b, int ldb, double beta, double *c,
                 int ldc) {
    scipy_cblas_dgemm(row_major, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb,
                      beta, c, ldc);
}

// The largest blocks of a product, and how many numbers of a block BLAS may copy: it
// keeps its copies, which for whole matrices are as large as the weights. Blocks of this
// size are as fast.
enum : int { block_rows = 128, block_columns = 512, block_inner = 64, copied = 1 << 15 };

// Threads share the blocks of products with so many multiplications; BLAS itself has one
// thread, since it would divide every block again. Between products that are rare,
// threads fall asleep, and to wake them costs as much as ten times the work.
const double large_product = 1e6, large_rare_product = 4e7;

inline int threads_for(double multiplications, double large) {
#ifdef _OPENMP
    if (multiplications >= large) return omp_get_max_threads();
#endif
    return 1;
}

// The size of the parts when a length is shared by threads: multiples of 16, at most most.
inline int part(int length, int threads, int most) {
    return std::min(most, ((length + threads - 1) / threads + 15) / 16 * 16);
}

// c = beta*c + alpha * a b^T of two vectors with strides, for which BLAS is slow.
template <typename real>
inline void spread(int m, int n, real alpha, const real *a, int stride_a, const real *b,
                   int stride_b, real beta, real *c) {
    for (int i = 0; i < m; i++) {
        const real scale = alpha * a[(size_t)i * stride_a];
        real *row = c + (size_t)i * n;
        if (beta == 0 && stride_b == 1)
            for (int j = 0; j < n; j++) row[j] = scale * b[j];
        else
            for (int j = 0; j < n; j++)
                row[j] = (beta == 0 ? 0 : beta * row[j]) + scale * b[(size_t)j * stride_b];
    }
}

// c = beta*c + alpha * op(a) op(b); all row-major; c is m x n, the inner size is k.
template <typename real>
inline void product(int transpose_a, int transpose_b, int m, int n, int k, real alpha,
                    const real *a, int lda, const real *b, int ldb, real beta, real *c,
                    double large = large_product) {
    if (k == 1) {
        spread(m, n, alpha, a, transpose_a == plain ? lda : 1, b,
               transpose_b == plain ? 1 : ldb, beta, c);
        return;
    }
    static const bool single = (scipy_openblas_set_num_threads(1), true);
    (void)single;
    const int threads = threads_for((double)m * n * k, large);
    const int rows = std::min(m, (int)block_rows);
    const int inner =
        std::max((int)block_inner, copied / (rows + std::min(n, (int)block_columns)));
    const int columns = part(n, threads, block_columns);
    const auto block = [&](int i, int j) {
        for (int l = 0; l < k; l += inner)
            gemm(transpose_a, transpose_b, std::min(rows, m - i), std::min(columns, n - j),
                 std::min(inner, k - l), alpha,
                 a + (transpose_a == plain ? (size_t)i * lda + l : (size_t)l * lda + i), lda,
                 b + (transpose_b == plain ? (size_t)l * ldb + j : (size_t)j * ldb + l), ldb,
                 l == 0 ? beta : (real)1, c + (size_t)i * n + j, n);
    };
    if (threads == 1) {  // a parallel region of one thread takes half a microsecond
        for (int j = 0; j < n; j += columns)
            for (int i = 0; i < m; i += rows) block(i, j);
        return;
    }
#pragma omp parallel for collapse(2) schedule(static) num_threads(threads)
    for (int j = 0; j < n; j += columns)
        for (int i = 0; i < m; i += rows) block(i, j);
}

// How many replicas to compute values for at a time: all where few values or none of each
// are computed, else as many as make a product efficient.
inline int replicas_at_a_time(int replicas, int values) {
    return values == 0 ? replicas : std::min(replicas, std::max((int)block_inner, copied / values));
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
                pending, n_post, (real)1, matrix, large_rare_product);
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
                    n_post, (real)0, current, large_rare_product);
            product(plain, transposed, replicas, replicas, n_pre, (real)1, source, n_pre,
                    source, n_pre, (real)0, gram, large_rare_product);
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
