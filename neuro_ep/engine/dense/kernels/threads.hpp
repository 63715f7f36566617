// How threads share work. Loops over neurons are divided as OpenMP's static schedule
// divides them, matrix products by rows or columns, and no thread writes next to another:
// a number that another has just written takes as long as a hundred multiplications.
#ifndef NEURO_EP_THREADS_HPP
#define NEURO_EP_THREADS_HPP

#include <algorithm>
#include <chrono>
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

// Rows or columns of a product that one call of BLAS computes: how it rounds depends on
// what it is given, and should not on the number of threads.
enum : int { lines_at_a_time = 64 };

// The values first, first + 1, ... of a thread, last not included.
struct Share {
    int first, last;
};

// The threads that do something together, and which of them this one is.
struct Team {
    int members, me;

    // Whole vectors, so that results do not depend on the number of threads.
    Share share(int n) const { return {bound(n, me, 16), bound(n, me + 1, 16)}; }
    Share rows(int n) const { return {bound(n, me, 1), bound(n, me + 1, 1)}; }
    int bound(int n, int member, int of) const {
        return member == members ? n : (int)((long)n * member / members) / of * of;
    }

    // Rows or columns of a product, of this thread or another one.
    Share lines(int n) const { return lines(n, me); }
    Share lines(int n, int member) const {
        const int parts = (n + lines_at_a_time - 1) / lines_at_a_time;
        const int size = (parts + members - 1) / members * lines_at_a_time;
        return {std::min(n, member * size), std::min(n, (member + 1) * size)};
    }

    void wait() const {
        if (members == 1) return;
#pragma omp barrier
    }
};

// One compiled function for every number of threads: results are the same.
template <typename Work>
__attribute__((noinline)) void run_share(const Work &work, const Team &team) {
    work(team);
}

// Work, with as many threads; one alone does without a parallel region, which would take
// half a microsecond.
template <typename Work>
inline void together(int threads, const Work &work) {
    if (threads == 1) {
        run_share(work, Team{1, 0});
        return;
    }
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
    run_share(work, Team{omp_get_num_threads(), omp_get_thread_num()});
#endif
}

// Chooses between all threads and one while a program runs: where others use the
// processors, or these share no cache, waiting for each other takes more than it saves, up
// to a hundred times as much. Results are the same to the last bit.
class Pace {
    enum : int { settling = 40, block = 64, blocks = 4, watched = 256, rested = 4000,
                 longest = 1 << 24 };
    using Clock = std::chrono::steady_clock;
    Clock::time_point begun;
    double best[2] = {0, 0};  // seconds of a step, with all threads and with one
    int all, step = 0, trial = blocks, rest = rested;
    bool alone = false;

    double per_step(int steps) const {
        return std::chrono::duration<double>(Clock::now() - begun).count() / steps;
    }

    void choose(bool one) {
        alone = one;
        step = 0;
#ifdef _OPENMP
        omp_set_num_threads(alone ? 1 : all);
#endif
    }

    // Some steps with one thread, some with all, which take a while to wake up, and so on;
    // those that take far too long are cut short. One thread is then kept for the longer
    // the more often it was chosen.
    void compare() {
        if (step == 0) begun = Clock::now();
        const bool hopeless = !alone && per_step(block) > 4 * best[1];
        if (step == settling) begun = Clock::now();
        if (!hopeless && ++step <= block) return;
        if (!hopeless) best[alone] = std::min(best[alone], per_step(block - settling));
        choose(++trial < blocks ? !alone : best[1] < best[0]);
        if (trial == blocks) rest = alone ? std::min(2 * rest, (int)longest) : (int)rested;
    }

    // One thread is kept for a while, all of them until they do worse; a program begins
    // with all, and short ones end before there is a trial.
    void watch() {
        if (step % watched == 0) begun = Clock::now();
        if (++step % watched) return;
        if (alone ? step < rest : per_step(watched) < 1.5 * best[1]) return;
        best[0] = best[1] = 1e9;
        trial = 0;
        choose(true);
    }

  public:
    Pace() : all(all_threads()) {}

    // To be called at every step.
    void keep() {
        if (all > 1) trial < blocks ? compare() : watch();
    }
};

}  // namespace neuro_ep

#endif
