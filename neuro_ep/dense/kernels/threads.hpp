// How threads share work. Loops over neurons are divided as OpenMP's static schedule
// divides them, so that a thread finds in its own cache what it has computed before, and
// matrix products by their columns, for which BLAS is fastest.
#ifndef NEURO_EP_THREADS_HPP
#define NEURO_EP_THREADS_HPP

#include <algorithm>
#ifdef _OPENMP
#include <omp.h>
#endif

namespace neuro_ep {

inline int all_threads() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

// The size of the parts when a length is shared by threads: multiples of 16, at most most.
inline int part(int length, int threads, int most) {
    return std::min(most, ((length + threads - 1) / threads + 15) / 16 * 16);
}

// The values first, first + 1, ... of a thread, last not included.
struct Share {
    int first, last;
};

// The threads that do something together, and which of them this one is.
struct Team {
    int members, me;

    Share share(int n) const {
        return {(int)((long)n * me / members), (int)((long)n * (me + 1) / members)};
    }

    Share columns(int n) const {
        const int size = members == 1 ? n : part(n, members, n);
        return {std::min(n, me * size), std::min(n, (me + 1) * size)};
    }

    void wait() const {
        if (members == 1) return;
#pragma omp barrier
    }
};

// Work, with as many threads; one alone does without a parallel region, which would take
// half a microsecond.
template <typename Work>
inline void together(int threads, const Work &work) {
    if (threads == 1) {
        work(Team{1, 0});
        return;
    }
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
    work(Team{omp_get_num_threads(), omp_get_thread_num()});
#endif
}

}  // namespace neuro_ep

#endif
