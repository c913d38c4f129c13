/** In every worker of the tests: a timer with a time below zero or beyond its range fails the run; Node only warns. */
process.on("warning", (warning) => {
  if (warning.name === "TimeoutNegativeWarning" || warning.name === "TimeoutOverflowWarning") throw warning;
});
