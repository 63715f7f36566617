// Convolutions as matrix products: what neuro_ep/convolution/geometry.py defines, for
// one replica at a time, so that the unfolded source stays small.
#ifndef NEURO_EP_CONVOLUTION_HPP
#define NEURO_EP_CONVOLUTION_HPP

#include "dense.hpp"

namespace neuro_ep {

struct Convolution {
    int channels_in, height, width, kernel_height, kernel_width, stride, padding;
    int rows, columns;

    int size() const { return channels_in * height * width; }
    int inputs() const { return channels_in * kernel_height * kernel_width; }
    int positions() const { return rows * columns; }

    // Calls run(line of the source, line of the unfolded source, first, last) for every
    // line that the window meets; positions outside [first, last) see the padding. A
    // line of the source is nullptr where all of it is padding; first may be anything
    // then. The source at position k is line[k * stride].
    template <typename Source, typename Unfolded, typename Run>
    void lines(Source *source, Unfolded *unfolded, Run run) const {
        for (int channel = 0; channel < channels_in; channel++)
            for (int down = 0; down < kernel_height; down++)
                for (int right = 0; right < kernel_width; right++) {
                    const int shift = right - padding;
                    const int first =
                        std::min(columns, shift < 0 ? (-shift + stride - 1) / stride : 0);
                    const int room = width - shift;  // columns * stride must stay below
                    const int last = std::max(
                        first, room > 0 ? std::min(columns, (room + stride - 1) / stride) : 0);
                    for (int row = 0; row < rows; row++, unfolded += columns) {
                        const int line = row * stride + down - padding;
                        const bool inside = line >= 0 && line < height;
                        const std::ptrdiff_t start =
                            (std::ptrdiff_t)(channel * height + line) * width + shift;
                        run(inside ? source + start : nullptr, unfolded, first, last);
                    }
                }
    }

    template <typename real>
    void unfold(const real *source, real *unfolded) const {
        lines(source, unfolded, [this](const real *line, real *out, int first, int last) {
            if (line == nullptr) first = last = columns;
            std::fill(out, out + first, (real)0);
            if (stride == 1)
                std::copy(line + first, line + last, out + first);
            else
                for (int k = first; k < last; k++) out[k] = line[k * stride];
            std::fill(out + last, out + columns, (real)0);
        });
    }

    // Adds to the source.
    template <typename real>
    void fold(const real *unfolded, real *source) const {
        lines(source, unfolded, [this](real *line, const real *in, int first, int last) {
            if (line == nullptr) return;
            if (stride == 1)
                for (int k = first; k < last; k++) line[k] += in[k];
            else
                for (int k = first; k < last; k++) line[k * stride] += in[k];
        });
    }
};

struct Broadcast {
    int count;

    int size() const { return 1; }
    int inputs() const { return 1; }
    int positions() const { return count; }

    template <typename real>
    void unfold(const real *source, real *unfolded) const {
        std::fill(unfolded, unfolded + count, *source);
    }

    template <typename real>
    void fold(const real *unfolded, real *source) const {
        for (int k = 0; k < count; k++) *source += unfolded[k];
    }
};

// target = keep*target + scale * weights^T unfold(source), keep is 0 or 1; memory holds
// inputs x positions values.
template <typename Map, typename real>
inline void forward(const Map &map, int replicas, int channels, real scale,
                    const real *source, const real *weights, real keep, real *target,
                    real *memory) {
    const int inputs = map.inputs(), positions = map.positions();
    for (int replica = 0; replica < replicas; replica++) {
        map.unfold(source + (size_t)replica * map.size(), memory);
        product(transposed, plain, channels, positions, inputs, scale, weights, channels,
                memory, positions, keep,
                target + (size_t)replica * channels * positions);
    }
}

// source = keep*source + scale * fold(weights target), keep is 0 or 1
template <typename Map, typename real>
inline void backward(const Map &map, int replicas, int channels, real scale,
                     const real *target, const real *weights, real keep, real *source,
                     real *memory) {
    const int inputs = map.inputs(), positions = map.positions();
    if (keep == 0) std::fill(source, source + (size_t)replicas * map.size(), (real)0);
    for (int replica = 0; replica < replicas; replica++) {
        product(plain, plain, inputs, positions, channels, scale, weights, channels,
                target + (size_t)replica * channels * positions, positions, (real)0,
                memory);
        map.fold(memory, source + (size_t)replica * map.size());
    }
}

// change += scale * mean over replicas of unfold(source) target^T
template <typename Map, typename real>
inline void correlate(const Map &map, int replicas, int channels, real scale,
                      const real *source, const real *target, real *change,
                      real *memory) {
    const int inputs = map.inputs(), positions = map.positions();
    for (int replica = 0; replica < replicas; replica++) {
        map.unfold(source + (size_t)replica * map.size(), memory);
        product(plain, transposed, inputs, channels, positions, scale / replicas, memory,
                positions, target + (size_t)replica * channels * positions, positions,
                (real)1, change);
    }
}

}  // namespace neuro_ep

#endif
