// The data set, mapped from its file: loaded once,
// shared by processes, and not part of what a simulation writes at its end.
#ifndef NEURO_EP_SAMPLES_HPP
#define NEURO_EP_SAMPLES_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace neuro_ep {

struct Samples {
    void *start = nullptr;
    size_t size = 0;

    // Anew where a run begins: another run of this process may name another file.
    void map(const char *path) {
        if (start != nullptr) munmap(start, size);
        const int file = open(path, O_RDONLY);
        struct stat status;
        if (file < 0 || fstat(file, &status) != 0) {
            std::fprintf(stderr, "Error: cannot open the samples in %s\n", path);
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

// Samples in time, each so many frames of so many values: read a block at a time and
// replica, in either direction, since a long series should not fill the memory.
template <typename real>
struct Series {
    enum : int64_t { block_frames = 64 };
    struct Block {
        int64_t row = -1, first = -1;
        std::vector<real> values;
    };
    int file = -1;
    int64_t frames = 1, width = 1;
    std::vector<Block> blocks;

    void open(const char *path, int replicas, int64_t n_frames, int64_t n_values) {
        if (file >= 0) close(file);
        file = ::open(path, O_RDONLY);
        if (file < 0) {
            std::fprintf(stderr, "Error: cannot open the samples in %s\n", path);
            std::exit(1);
        }
        frames = n_frames, width = n_values;
        blocks.assign(replicas, Block());
    }

    const real *at(int replica, int64_t row, int64_t frame) {
        Block &block = blocks[replica];
        const int64_t first = frame / block_frames * block_frames;
        if (block.row != row || block.first != first) {
            const int64_t count = std::min((int64_t)block_frames, frames - first);
            const size_t bytes = count * width * sizeof(real);
            block.values.resize(block_frames * width);
            if (pread(file, block.values.data(), bytes,
                      (row * frames + first) * width * sizeof(real)) != (ssize_t)bytes) {
                std::fprintf(stderr, "Error: a file of samples or targets is too short\n");
                std::exit(1);
            }
            block.row = row, block.first = first;
        }
        return block.values.data() + (frame - first) * width;
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
