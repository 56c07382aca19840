/* Made by book/bundle.py, do not edit. */

/** Colours of positive and of negative numbers. */
export const [PLUS, MINUS] = ["#2f74e0", "#d9561c"];
/** A number is as opaque as its share of the largest size to this power. */
export const STRENGTH = 0.5;

/** @type {Record<string, string>} titles of the architectures, in the order of the registry */
export const TITLES = {
  "softmax": "Softmax attention",
  "linear": "Linear attention",
  "normalized": "Normalised attention",
  "s4d": "S4D",
  "s6": "S6 (Mamba)",
  "ssd": "SSD (Mamba-2)",
  "qlstm": "qLSTM",
  "qlstm_reversed": "qLSTM, reversed sigmoid",
  "rg_lru": "RG-LRU (Griffin)",
  "retnet": "RetNet",
  "deltanet": "DeltaNet",
  "min_gru": "minGRU"
};
