// What the dense templates share: one matrix product for float and double, on the
// BLAS of the scipy-openblas32 wheel (its symbols carry the prefix scipy_).
#ifndef NEURO_EP_DENSE_HPP
#define NEURO_EP_DENSE_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "threads.hpp"

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

// a/b as in Python: of whole numbers too, in double precision. A multiple divides
// exactly, also where the compiler multiplies by 1/b: its floor is i//49.
template <typename A, typename B>
using Both = std::integral_constant<bool, std::is_integral<A>::value && std::is_integral<B>::value>;

template <typename A, typename B>
inline typename std::enable_if<Both<A, B>::value, double>::type quotient(A a, B b) {
    return b != 0 && a % b == 0 ? (double)(a / b) : (double)a / b;
}

template <typename A, typename B>
inline auto quotient(A a, B b) ->
    typename std::enable_if<!Both<A, B>::value, decltype(a / b)>::type {
    return a / b;
}

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
enum : int { block_size = 512, block_inner = 32, copied = 1 << 14 };

// Numbers of a product that are computed before synapses multiply them by factors of
// their own: they stay in the cache.
enum : int { weighted = 1 << 17 };

// Threads share the blocks of products with so many multiplications; BLAS itself has one
// thread, since it would divide every block again. Between products that are rare,
// threads fall asleep, and to wake them costs as much as ten times the work.
const double large_product = 1e6, large_rare_product = 4e7;

inline int threads_for(double multiplications, double large = large_product) {
    return multiplications >= large ? all_threads() : 1;
}

// Memory that one operation needs while it runs and all operations share. Kernels have
// slots of their own; templates count their slots from 0, without an end.
enum : int { factor_slot = -2, column_slot = -1, kernel_slots = 2 };

template <typename real>
inline real *scratch(int slot, size_t size) {
    static std::vector<std::vector<real>> memory;
    const size_t place = slot + kernel_slots;
    if (memory.size() <= place) memory.resize(place + 1);
    if (memory[place].size() < size) memory[place].resize(size);
    return memory[place].data();
}

// c = beta*c + alpha * a b^T of two vectors with strides, for which BLAS is slow. Rows
// that stay as they are, such as parameters of neurons, are not written: threads may
// have them.
template <typename real>
inline void spread(int m, int n, real alpha, const real *a, int stride_a, const real *b,
                   int stride_b, real beta, real *c) {
    for (int i = 0; i < m; i++) {
        const real scale = alpha * a[(size_t)i * stride_a];
        real *row = c + (size_t)i * n;
        if (beta == 0 && stride_b == 1) {
            int changed = 0;
            for (int j = 0; j < n; j++) changed |= !(row[j] == scale * b[j]);
            for (int j = 0; changed && j < n; j++) row[j] = scale * b[j];
        } else
            for (int j = 0; j < n; j++)
                row[j] = (beta == 0 ? 0 : beta * row[j]) + scale * b[(size_t)j * stride_b];
    }
}

// A matrix, row-major with so many numbers from row to row, as it is or transposed.
template <typename real>
struct Factor {
    int turned;
    const real *values;
    int stride;

    Factor from(int row, int column) const {
        const size_t by = turned == plain ? (size_t)row * stride + column
                                          : (size_t)column * stride + row;
        return {turned, values + by, stride};
    }
};

// c = beta*c + alpha * a b by this thread, in blocks of at most so many rows and columns;
// c is m x n, the inner size is k.
template <typename real>
inline void multiply(int m, int n, int k, int rows, int columns, real alpha, Factor<real> a,
                     Factor<real> b, real beta, real *c, int ldc) {
    static const bool single = (scipy_openblas_set_num_threads(1), true);
    (void)single;
    const int inner = std::max((int)block_inner, copied / (rows + columns));
    for (int j = 0; j < n; j += columns)
        for (int i = 0; i < m; i += rows)
            for (int l = 0; l < k; l += inner)
                gemm(a.turned, b.turned, std::min(rows, m - i), std::min(columns, n - j),
                     std::min(inner, k - l), alpha, a.from(i, l).values, a.stride,
                     b.from(l, j).values, b.stride, l == 0 ? beta : (real)1,
                     c + (size_t)i * ldc + j, ldc);
}

// The rows of c = beta*c + alpha * a b that are this thread's; all threads of a team call
// it, and c is m x n without gaps.
template <typename real>
inline void multiply_rows(const Team &team, int m, int n, int k, real alpha, Factor<real> a,
                          Factor<real> b, real beta, real *c) {
    const Share mine = team.lines(m);
    multiply(mine.last - mine.first, n, k, lines_at_a_time, std::min(n, (int)block_size),
             alpha, a.from(mine.first, 0), b, beta, c + (size_t)mine.first * n, n);
}

// alpha * a b, in columns: every thread has some in a part of the buffer, of m x n numbers,
// and when all are there puts its share of replicas where they belong, by
// put(row, first column, number of columns, values). All threads of a team call it; the
// rows of a are replicas, or several times as many one after another.
template <typename real, typename Put>
inline void multiply_columns(const Team &team, int replicas, int m, int n, int k, real alpha,
                             Factor<real> a, Factor<real> b, real *buffer, const Put &put) {
    const Share mine = team.lines(n), own = team.rows(replicas);
    const int width = mine.last - mine.first;
    multiply(m, width, k, std::min(m, (int)block_size), lines_at_a_time, alpha, a,
             b.from(0, mine.first), (real)0, buffer + (size_t)m * mine.first, width);
    team.wait();
    for (int member = 0; member < team.members; member++) {
        const Share part = team.lines(n, member);
        const int count = part.last - part.first;
        for (int row = 0; row < m; row++)
            if (row % replicas >= own.first && row % replicas < own.last)
                put(row, part.first, count,
                    buffer + (size_t)m * part.first + (size_t)row * count);
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
    const Factor<real> left = {transpose_a, a, lda}, right = {transpose_b, b, ldb};
    const double multiplications = (double)m * n * k;
    const int threads = threads_for(multiplications, large);
    const bool by_rows = multiplications < large || m >= n;
    if (by_rows || (size_t)m * n > copied) {
        together(threads, [=](Team team) {
            const Share mine = team.lines(n);
            if (by_rows)
                multiply_rows(team, m, n, k, alpha, left, right, beta, c);
            else
                multiply(m, mine.last - mine.first, k, std::min(m, (int)block_size),
                         lines_at_a_time, alpha, left, right.from(0, mine.first), beta,
                         c + mine.first, n);
        });
        return;
    }
    real *const buffer = scratch<real>(column_slot, (size_t)m * n);
    together(threads, [=](Team team) {
        multiply_columns(team, m, m, n, k, alpha, left, right, buffer,
                         [=](int row, int first, int count, const real *values) {
                             real *to = c + (size_t)row * n + first;
                             for (int j = 0; j < count; j++)
                                 to[j] = (beta == 0 ? 0 : beta * to[j]) + values[j];
                         });
    });
}

// How many replicas to compute values for at a time: all where few values or none of each
// are computed, else as many as make a product efficient.
inline int replicas_at_a_time(int replicas, int values) {
    return values == 0 ? replicas : std::min(replicas, std::max((int)block_inner, copied / values));
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

// Who is to be told before an array changes: the array, and what to do then.
inline std::vector<std::pair<const void *, std::function<void()>>> &listeners() {
    static std::vector<std::pair<const void *, std::function<void()>>> all;
    return all;
}

inline bool on_change(const void *array, std::function<void()> action) {
    listeners().emplace_back(array, std::move(action));
    return true;
}

inline void about_to_change(const void *array) {
    for (auto &listener : listeners())
        if (listener.first == array) listener.second();
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

    // Write what is pending, and compute the current anew when it is wanted next.
    void forget(real *matrix) {
        settle(matrix);
        flags[0] = 0;
    }

    // Changes that come belong to the source as it is now, those before to the last one;
    // one that is its own copy has not changed, or it has been announced.
    void follow(const real *now, real *matrix) {
        const size_t values = (size_t)replicas * n_pre;
        if (now == source || !std::memcmp(now, source, sizeof(real) * values)) return;
        forget(matrix);
        std::copy(now, now + values, source);
    }

    // target = scale * source w, from what is kept unless the source has changed.
    void deliver(const real *now, real *matrix, real scale, real *target) {
        const int n = replicas * n_post;
        follow(now, matrix);
        if (!flags[0]) {
            settle(matrix);
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
