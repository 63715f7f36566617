"""Tasks to learn: one file a source of data, and the table of them."""

#: Task -> what it is, and where its data come from.
TASKS = {
    "digits": "1,797 handwritten digits of 8 x 8 pixels "
    "(Alpaydin & Kaynak 1998, UCI, doi:10.24432/C50P49)",
    "digits-rows": "the same digits, a row of 8 pixels after the other",
    "digits-pixels": "the same digits, a pixel after the other",
    "sine-frequencies": "1,500 noisy sines of 32 frames: which of four frequencies",
    "delayed-recall": "1,500 sequences of 32 frames: which of four symbols came first",
    "uea": "series in .ts files of your own, as in the UEA archive "
    "(Bagnall et al. 2018, arXiv 1811.00075)",
    "mnist": "70,000 handwritten digits of 28 x 28 pixels "
    "(LeCun et al. 1998, Proc. IEEE 86, doi:10.1109/5.726791)",
}
