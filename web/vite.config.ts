import react from "@vitejs/plugin-react";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the gateway. */
const gateway = process.env["PULSEGATE_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // A data: URL in CSS or script would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    // What others wrote is said in the binary too.
    license: { fileName: "licenses.md" },
    // The polyfill would only serve browsers that are older than the target.
    modulePreload: { polyfill: false },
    // Monaco is one big editor on a page of its own.
    chunkSizeWarningLimit: 6000,
    rolldownOptions: {
      onLog: (level, log, report) => {
        // "use no memo" speaks to another compiler.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") {
          report(level, log);
        }
      },
      input: {
        index: resolve(import.meta.dirname, "index.html"),
        graphiql: resolve(import.meta.dirname, "graphiql.html"),
      },
    },
  },
  worker: { format: "es" },
  // Its imports of workers are the bundler's own, and mean nothing to what prepares dependencies.
  optimizeDeps: { exclude: ["graphiql/setup-workers/vite", "@graphiql/react/setup-workers/vite"] },
  server: {
    proxy: {
      "/graphql": { target: gateway, ws: true },
      "/export": gateway,
      "/readyz": gateway,
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
