// The data set, mapped from a file that an environment variable names: loaded once,
// shared by processes, and not part of what a simulation writes at its end.
#ifndef NEURO_EP_SAMPLES_HPP
#define NEURO_EP_SAMPLES_HPP

#include <chrono>
#include <numeric>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace neuro_ep {

struct Samples {
    void *start = nullptr;
    size_t size = 0;

    // Anew where a run begins: another run of this process may name another file.
    void map(const char *variable) {
        if (start != nullptr) munmap(start, size);
        const char *path = std::getenv(variable);
        const int file = path ? open(path, O_RDONLY) : -1;
        struct stat status;
        if (file < 0 || fstat(file, &status) != 0) {
            std::fprintf(stderr, "Error: cannot open the samples that %s names\n", variable);
            std::exit(1);
        }
        size = status.st_size;
        start = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
        close(file);
        if (start == MAP_FAILED) {
            std::fprintf(stderr, "Error: cannot map the samples in %s\n", path);
            std::exit(1);
        }
    }
};

// One line of JSON on stderr, at most every half second, for a progress bar to read.
inline void report_progress(int done, int total) {
    static auto last = std::chrono::steady_clock::now();
    const auto now = std::chrono::steady_clock::now();
    if (std::getenv("NEURO_EP_PROGRESS") && now - last > std::chrono::milliseconds(500)) {
        last = now;
        std::fprintf(stderr, "{\"presentation\": %d, \"of\": %d}\n", done, total);
    }
}

}  // namespace neuro_ep

#endif
