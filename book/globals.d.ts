// What scripts of others bring to a page.
declare const Search: { setIndex(index: { terms: object; titleterms: object }): void };

interface Window {
  Plotly: { react(...given: unknown[]): Promise<void> };
}
