// The JavaScript of the widgets against numbers that the Python package computed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as approximation from "../../dsf/widgets/js/approximation.js";
import { ARCHITECTURES } from "../../dsf/widgets/js/architectures.js";
import { gates } from "../../dsf/widgets/js/decay.js";
import { taylorFeatures } from "../../dsf/widgets/js/features.js";
import { exact, scores } from "../../dsf/widgets/js/gallery.js";
import { hankelForms, ranks as ranksOf } from "../../dsf/widgets/js/hankel.js";
import { samples, stepOf } from "../../dsf/widgets/js/pole.js";
import { normal, uniform } from "../../dsf/widgets/js/random.js";
import { recall } from "../../dsf/widgets/js/recall.js";
import { matrix, run, takeApart } from "../../dsf/widgets/js/system.js";
import { weightsOf } from "../../dsf/widgets/js/weights.js";

const golden = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8"));
const TOLERANCE = 1e-6;
const PLACES = [0, 7].flatMap((seed) => [1, 14].flatMap((stream) => [0, 9999].map((i) => [seed, stream, i])));

function same(found, wanted, what) {
  if (Array.isArray(wanted)) {
    assert.equal(found.length, wanted.length, `length of ${what}`);
    for (const [index, value] of wanted.entries()) same(found[index], value, `${what}[${index}]`);
  } else {
    const error = Math.abs(found - wanted) / Math.max(1, Math.abs(wanted));
    assert.ok(error <= TOLERANCE, `${what} is ${found}, Python says ${wanted}`);
  }
}

/** The real or imaginary part of a block (L, n, d) as nested arrays. */
const nested = ({ rows, cols }, part) =>
  Array.from({ length: part.length / (rows * cols) }, (_, i) =>
    Array.from({ length: rows }, (_, a) => [...part.subarray((i * rows + a) * cols, (i * rows + a + 1) * cols)]),
  );

const square = (phi, length) => Array.from({ length }, (_, i) => [...phi.subarray(i * length, (i + 1) * length)]);

test("random numbers", () => {
  same(
    PLACES.map((place) => uniform(...place)),
    golden.uniform,
    "uniform",
  );
  same(
    PLACES.map((place) => normal(...place)),
    golden.normal,
    "normal",
  );
});

test("Taylor features", () => {
  same(taylorFeatures(golden.taylor.x, 4), golden.taylor.features, "features");
});

test("every architecture is compared", () => {
  assert.deepEqual(Object.keys(ARCHITECTURES), [...new Set(golden.architectures.map(({ name }) => name))]);
});

for (const { name, arguments: given, u, states, outputs, matrices } of golden.architectures) {
  test(`${name} with L = ${u.length}: states, outputs and Φ`, () => {
    const system = ARCHITECTURES[name].system(given);
    const result = run(system, u);
    same(nested(result.states, result.states.re), states.re ?? states, "re H");
    if (states.im) same(nested(result.states, result.states.im), states.im, "im H");
    same(result.outputs, outputs, "y");
    matrices.forEach((phi, channel) => {
      same(square(matrix(system, channel), u.length), phi, `Φ of channel ${channel}`);
      for (const [i, row] of phi.entries()) {
        for (const [j, value] of row.entries()) {
          same(takeApart(system, i, j, channel).total, value, `the parts of Φ_${i},${j}`);
        }
      }
    });
  });
}

golden.gates.forEach(({ state, x, gates: wanted }, index) => {
  test(`gates, setting ${index}`, () => {
    const found = gates(x, state);
    assert.deepEqual(Object.keys(found), Object.keys(wanted));
    for (const [name, { transition, gain }] of Object.entries(wanted)) {
      same(found[name].transition, transition, `Λ of ${name}`);
      same(found[name].gain, gain, `B of ${name}`);
    }
  });
});

golden.kernels.forEach(({ state, angles, kernels }, index) => {
  test(`feature maps, setting ${index}`, () => {
    for (const [name, wanted] of Object.entries(kernels)) {
      const values = name === "exact" ? angles.map((angle) => exact(state.norm, angle)) : scores(name, state, angles);
      same(values, wanted, name);
    }
  });
});

for (const { task, tokens, asked } of golden.recalls) {
  test(`a sequence of ${task.L} tokens with ${task.K} pairs`, () => {
    assert.deepEqual(recall(task, golden.seed), { tokens, asked });
  });
}

golden.approximations.forEach(({ state, radius, exact: row, weights, errors, bounds, ranks }, index) => {
  test(`softmax and its stand-ins, setting ${index}`, () => {
    const { map, order, doublings, length, seed, digits } = state;
    const draws = approximation.draws(state);
    same(draws.radius, radius, "R");
    const phi = approximation.softmax(draws);
    same(square(phi, length).at(-1), row, "Φ");
    const standIn = approximation.standIn(map, map === "taylor" ? order : doublings, draws, seed);
    same(square(standIn, length).at(-1), weights, "Φ of the stand-in");
    for (const [name, wanted] of Object.entries(errors)) {
      // Logarithms: the small errors must agree in their digits too.
      const found = approximation.errors(name, draws, phi, seed);
      same(found.map(Math.log), wanted.map(Math.log), `errors of ${name}`);
    }
    const finite = Array.from({ length: 13 }, (_, p) => approximation.bound(radius, p)).filter(Number.isFinite);
    same(finite, bounds, "bounds");
    const found = ranksOf(hankelForms(phi, length), 10 ** -digits);
    assert.deepEqual(found, ranks);
  });
});

golden.poles.forEach(({ state, steps, samples: wanted }, index) => {
  test(`a step of a pair of poles, setting ${index}`, () => {
    for (const [rule, numbers] of Object.entries(steps)) {
      const { factor, modulus, turns, half } = stepOf(state, rule);
      same([factor.re, factor.im, modulus, turns, ...(half < Infinity ? [half] : [])], numbers, rule);
    }
    same(samples(stepOf(state, state.rule), wanted.length), wanted, "samples");
  });
});

golden.weights.forEach(({ state, rows }, index) => {
  test(`one row of weights, setting ${index}`, () => {
    same(weightsOf(state).all, rows, "rows");
  });
});
