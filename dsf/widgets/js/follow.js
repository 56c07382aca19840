/** Steps that follow the reader who scrolls past their texts, where these stand beside a figure that stays. */

const LINE = 35; // per cent of the height of the window: the text that lies there is being read
const QUIET_MS = 1000; // the page may be on its way to what an address or a link asked for

/**
 * Call back with the text that has come to the line by scrolling. What was chosen otherwise stays until the reader
 * scrolls on to the next one.
 * @param {ReturnType<typeof import("./frame.js").frame>} it
 * @param {any} model
 * @param {{name: string, node: HTMLElement}[]} items
 * @param {(name: string) => void} choose
 */
export function follow(it, model, items, choose) {
  // In the frame of a notebook that is as high as what it shows no text comes to a line.
  if (globalThis.top !== globalThis.self || it.reduced.matches) return;
  let [quiet, own, begun] = [Date.now() + QUIET_MS, false, false];
  const events = Object.keys(it.state()).map((name) => `change:${name}`);
  const hush = () => {
    if (!own) quiet = Date.now() + QUIET_MS;
  };
  const observer = new IntersectionObserver(
    (changes) => {
      const arrived = changes.find(({ isIntersecting }) => isIntersecting)?.target;
      const item = items.find(({ node }) => node === arrived);
      const beside = items[0].node.clientWidth < it.root.clientWidth / 2;
      const scrolled = begun && Date.now() > quiet;
      begun = true; // the first call only tells where the texts lie
      if (!item || !beside || !scrolled) return;
      own = true;
      choose(item.name);
      own = false;
    },
    { rootMargin: `-${LINE}% 0px -${100 - LINE}% 0px` },
  );
  for (const { node } of items) observer.observe(node);
  for (const event of events) model.on(event, hush);
  it.root.classList.add("dsf-following");
  it.atEnd(() => {
    observer.disconnect();
    for (const event of events) model.off(event, hush);
  });
}
