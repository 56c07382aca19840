// What scripts of others, and scripts that the build writes, bring to a page.
interface Found {
  id: number;
  score: number;
  terms: string[];
}

// Of WebGPU, as far as jax-js names it in its types.
type GPUDevice = object;
type GPUBuffer = object;

interface Window {
  Plotly: { react(...given: unknown[]): Promise<void> };
  MiniSearch: new (options: object) => { addAll(documents: object[]): void; search(query: object): Found[] };
  /** Pages: address, name. Places: number of the page, anchor, title, path, lines of text, of code, formulas. */
  dsfSearchIndex: { pages: [string, string][]; places: [number, string, string, string, string, string, string][] };
  /** HTML by the address of what it shows, from the root of the site. */
  dsfPreviews: Record<string, string>;
}
