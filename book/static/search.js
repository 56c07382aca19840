/* Sphinx looks up the words of a question in plain objects, where it finds `constructor` and `__proto__`
   though no page has them. These objects lose all that they inherit, but for the one method it calls. */
"use strict";

(() => {
  const heritage = Object.assign(Object.create(null), {
    /** No word has a capital letter. @param {string} word */
    hasOwnProperty(word) {
      return Object.hasOwn(this, word);
    },
  });
  const setIndex = Search.setIndex;
  Search.setIndex = (index) => {
    for (const words of [index.terms, index.titleterms]) Object.setPrototypeOf(words, heritage);
    setIndex(index);
  };
})();
