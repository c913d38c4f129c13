/**
 * Keccak-256, the hash of the chain (not SHA3-256: the padding differs, and the platform has only the latter).
 *
 * A lane of 64 bits is kept as two of 32, low first: bit operations of the language know no more.
 * @see https://keccak.team/keccak_specs_summary.html, read 2026-11-21
 */

const LANES = 25;
const ROUNDS = 24;
/** Bytes taken per permutation: 1600 bits less twice the 256 of the answer. */
const RATE = 136;
const HASH_BYTES = 32;

/** Where each lane goes (pi) and how far it is turned (rho), along the one path through all lanes but the first. */
const path = (() => {
  const steps: { readonly to: number; readonly by: number }[] = [];
  for (let x = 1, y = 0, t = 0; t < ROUNDS; t++) {
    [x, y] = [y, (2 * x + 3 * y) % 5];
    steps.push({ to: x + 5 * y, by: (((t + 1) * (t + 2)) / 2) % 64 });
  }
  return steps;
})();
const pathTo = Uint8Array.from(path, (step) => step.to);
const pathBy = Uint8Array.from(path, (step) => step.by);

/** Constants of the rounds (iota): bits at 2^j - 1 from a shift register over x^8 + x^6 + x^5 + x^4 + 1. */
const roundConstants = (() => {
  const words = new Int32Array(2 * ROUNDS);
  let register = 1;
  for (let round = 0; round < ROUNDS; round++) {
    for (let j = 0; j < 7; j++) {
      const bit = (1 << j) - 1;
      if ((register & 1) === 1)
        words[2 * round + (bit >> 5)] = (words[2 * round + (bit >> 5)] ?? 0) ^ (1 << (bit & 31));
      register = (register << 1) ^ ((register >> 7) * 0x171);
    }
  }
  return words;
})();

const parity = new Int32Array(10);
const row = new Int32Array(10);

/** Typed arrays of fixed length: the fallback is for the compiler and never taken. */
const at = (words: Int32Array | Uint8Array, index: number): number => words[index] ?? 0;

function permute(state: Int32Array): void {
  for (let round = 0; round < ROUNDS; round++) {
    mixColumns(state);
    turnAndMove(state);
    for (let y = 0; y < 2 * LANES; y += 10) {
      for (let i = 0; i < 10; i++) row[i] = at(state, y + i);
      for (let i = 0; i < 10; i++) {
        const next = at(row, i < 8 ? i + 2 : i - 8);
        const afterNext = at(row, i < 6 ? i + 4 : i - 6);
        state[y + i] = at(row, i) ^ (~next & afterNext);
      }
    }
    state[0] = at(state, 0) ^ at(roundConstants, 2 * round);
    state[1] = at(state, 1) ^ at(roundConstants, 2 * round + 1);
  }
}

/** Theta: each lane takes in the columns left and right of it. */
function mixColumns(state: Int32Array): void {
  for (let i = 0; i < 10; i++) {
    parity[i] = at(state, i) ^ at(state, i + 10) ^ at(state, i + 20) ^ at(state, i + 30) ^ at(state, i + 40);
  }
  for (let x = 0; x < 5; x++) {
    const left = 2 * ((x + 4) % 5);
    const right = 2 * ((x + 1) % 5);
    const low = at(parity, left) ^ ((at(parity, right) << 1) | (at(parity, right + 1) >>> 31));
    const high = at(parity, left + 1) ^ ((at(parity, right + 1) << 1) | (at(parity, right) >>> 31));
    for (let lane = 2 * x; lane < 2 * LANES; lane += 10) {
      state[lane] = at(state, lane) ^ low;
      state[lane + 1] = at(state, lane + 1) ^ high;
    }
  }
}

/** Rho and pi. */
function turnAndMove(state: Int32Array): void {
  let low = at(state, 2);
  let high = at(state, 3);
  for (let step = 0; step < ROUNDS; step++) {
    const to = 2 * at(pathTo, step);
    const by = at(pathBy, step);
    const a = by < 32 ? low : high;
    const b = by < 32 ? high : low;
    const turn = by & 31;
    low = at(state, to);
    high = at(state, to + 1);
    state[to] = turn === 0 ? a : (a << turn) | (b >>> (32 - turn));
    state[to + 1] = turn === 0 ? b : (b << turn) | (a >>> (32 - turn));
  }
}

/** Returns the 32 bytes of the hash. Some microseconds for a word; what is asked often should be kept. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  const state = new Int32Array(2 * LANES);
  const padded = new Uint8Array((Math.floor(bytes.length / RATE) + 1) * RATE);
  padded.set(bytes);
  padded[bytes.length] = at(padded, bytes.length) ^ 0x01;
  padded[padded.length - 1] = at(padded, padded.length - 1) ^ 0x80;
  const words = new DataView(padded.buffer);
  for (let from = 0; from < padded.length; from += RATE) {
    for (let i = 0; i < RATE / 4; i++) state[i] = at(state, i) ^ words.getInt32(from + 4 * i, true);
    permute(state);
  }
  const hash = new Uint8Array(HASH_BYTES);
  const out = new DataView(hash.buffer);
  for (let i = 0; i < HASH_BYTES / 4; i++) out.setInt32(4 * i, at(state, i), true);
  return hash;
}
