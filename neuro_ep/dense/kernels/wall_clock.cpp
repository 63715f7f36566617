// For profiled programs: Brian2 times its code objects with clock(), which adds up the
// processor time of all threads of BLAS and is slow to call. This one tells the time on
// the wall, in the same unit: microseconds, right on average over many calls.
#include <ctime>

extern "C" clock_t clock() noexcept {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}
