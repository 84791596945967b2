import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Files of the unit project share one module state per worker (`isolate: false`): 1.4 s against 23 s for 152 files.
// A test that changes globals (signals, cwd, environment) lives in test/globals/ and is isolated.
const unitFolders = ['unit', 'scenarios', 'properties', 'fuzz', 'crash', 'interop', 'processes']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            ...unitFolders.map((folder) => `test/${folder}/**/*.test.ts`),
            'test/simulation/**/*.test.ts',
          ],
          pool: 'forks',
          isolate: false,
          // Tests of whole processes mostly wait: with one worker for each of two cores, four fifths of the time were idle.
          maxWorkers: 4,
          // Each start of an agent or a command costs half when its code was compiled before.
          env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: { name: 'globals', include: ['test/globals/**/*.test.ts'], pool: 'forks', testTimeout: 60_000 },
      },
      {
        test: {
          name: 'architecture',
          include: ['test/architecture/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 60_000,
        },
      },
    ],
  },
})
