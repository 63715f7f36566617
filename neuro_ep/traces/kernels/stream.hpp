// What is looked at while a network runs, written to a file block by block: memory does
// not grow with time.
#ifndef NEURO_EP_STREAM_HPP
#define NEURO_EP_STREAM_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace neuro_ep {

class Stream {
    enum : size_t { block_bytes = 1 << 20 };
    std::FILE *file = nullptr;
    std::vector<char> block;

    void fail(const char *what) {
        std::fprintf(stderr, "Error: what is recorded cannot be %s; is the disk full?\n", what);
        std::exit(1);
    }

public:
    ~Stream() {
        if (file != nullptr) close();
    }

    // Room for so many bytes in the file, to be filled at once.
    void *room(const int8_t *path, size_t bytes) {
        if (file == nullptr) {
            file = std::fopen(reinterpret_cast<const char *>(path), "wb");
            if (file == nullptr) fail("opened");
            block.reserve(block_bytes + bytes);
        }
        if (block.size() + bytes > block_bytes) flush();
        block.resize(block.size() + bytes);
        return block.data() + block.size() - bytes;
    }

    template <typename number>
    void append(const int8_t *path, number a, number b) {
        const number both[2] = {a, b};
        std::memcpy(room(path, sizeof both), both, sizeof both);
    }

    void flush() {
        if (std::fwrite(block.data(), 1, block.size(), file) != block.size()) fail("written");
        block.clear();
    }

    void close() {
        if (file == nullptr) return;
        flush();
        if (std::fclose(file) != 0) fail("written");
        file = nullptr;
    }
};

}  // namespace neuro_ep

#endif
