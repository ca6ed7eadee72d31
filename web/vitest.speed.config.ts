import { defineConfig } from "vitest/config";

// As the browser tests, with nothing else on the machine: `make bench-pages`.
export default defineConfig({
  test: { include: ["speed/**/*.speed.ts"], testTimeout: 90_000, hookTimeout: 90_000, fileParallelism: false },
});
