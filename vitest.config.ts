import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // As Node resolves it: of its two builds, values of one are none to the other.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Many tests wait for servers, processes and disks: one worker a core leaves the cores idle.
    maxWorkers: Math.max(2, availableParallelism()),
    reporters: process.env['CI'] ? ['default', './test/support/closing-line.ts'] : ['default'],
  },
})
