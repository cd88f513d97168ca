import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `AIQ_FRONT=http://<label>.cloudfront.localhost:<port> npm run dev` serves the sources against a
// running local stack: its API answers under that name only.
const front = process.env.AIQ_FRONT ? new URL(process.env.AIQ_FRONT) : undefined;
const passed = front && {
  target: `http://127.0.0.1:${front.port}`,
  headers: { Host: front.host },
};

export default defineConfig({
  plugins: [react()],
  define: { global: 'globalThis' }, // amazon-cognito-identity-js was written for bundlers that had it
  build: {
    target: 'es2022',
    manifest: 'manifest.json',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: passed ? { '/api': passed } : {} },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
