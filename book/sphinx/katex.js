// Typeset formulas: one JSON request a line on standard input, one JSON answer a line on standard
// output. Ends when its input ends, so it never outlives the build.

const katex = require(process.argv[2]);

// A letter may have a class, `\htmlClass{part-write}{B_i}`, whose colour the style sheet knows.
const trust = ({ command }) => command === "\\htmlClass";
const strict = (code) => (code === "htmlExtension" ? "ignore" : "error");

require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { tex, options } = JSON.parse(line);
    let answer;
    try {
      answer = { html: katex.renderToString(tex, { ...options, trust, strict }) };
    } catch (error) {
      answer = { error: String(error.message) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
