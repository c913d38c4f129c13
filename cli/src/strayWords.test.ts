import { expect, test } from "vitest";
import { refuseStrayWords } from "./strayWords.ts";

test.each<[string, string[], string]>([
  [
    "resume",
    ["whale"],
    'resume does not take the word "whale", so nothing was done. To resume one account: resume --account whale',
  ],
  ["halt", ["now"], "halt --account now"],
  ["start", ["0xc0ffee"], "npm start -- --leader 0xc0ffee"],
  ["status", ["more"], 'status does not take the word "more"'],
  ["replay", ["a.tape", "b.tape"], 'replay does not take the word "b.tape"'],
  ["tape", ["info", "a.tape", "b.tape"], 'tape does not take the word "b.tape"'],
  ["tape", ["add-fills", "a.tape", "fills", "more"], 'tape does not take the word "more"'],
])("%s %s is refused", (command, words, text) => {
  expect(() => refuseStrayWords(command, words)).toThrow(text);
});

test.each<[string, string[]]>([
  ["halt", []],
  ["replay", ["a.tape"]],
  ["tape", ["add-market", "a.tape", "market.json"]],
  ["leaders", ["add", "0x1", "0x2"]],
  ["skip", ["17", "18", "19"]],
])("%s %s is not", (command, words) => {
  expect(() => refuseStrayWords(command, words)).not.toThrow();
});
