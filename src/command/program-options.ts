/**
 * What a program is started with. The composition roots (agent/start.ts, server/start.ts) take the same shape; they may not
 * import this file, and need no more of it than its fields.
 */
import type { Configuration, Loaded, SourceFile } from '../config/settings.ts'
import type { ProgramFiles } from './program-files.ts'
import type { SocketPaths } from './socket-paths.ts'

/** What `startAgent` and `startServer` are called with; they run until they are told to stop and give the exit status. */
export interface ProgramOptions {
  readonly configuration: Configuration
  /** Checks what was read again: for SIGHUP, `mesh reload` and changed files. */
  readonly load: (sources: readonly SourceFile[]) => Loaded<Configuration>
  /** Files and folders of the configuration: what to read again and to watch. */
  readonly configurationPaths: readonly string[]
  /** Where this host's programs meet. */
  readonly sockets: SocketPaths
  /** Our version, such as `0.1.0`. */
  readonly version: string
  /** For starting further processes of the program. */
  readonly programFiles: ProgramFiles
}
