import { defineConfig } from "vitest/config";

// Against a gateway that runs with its demo: PULSEGATE_URL says where. kcat produces into its broker.
export default defineConfig({
  test: { include: ["e2e/**/*.e2e.ts"], testTimeout: 240_000, hookTimeout: 120_000, fileParallelism: false },
});
