/** What `mesh agent` is started with; the command line fills it. */
import type { Configuration, Loaded, SourceFile } from '../config/settings.ts'

export interface AgentOptions {
  readonly configuration: Configuration
  readonly load: (sources: readonly SourceFile[]) => Loaded<Configuration>
  readonly configurationPaths: readonly string[]
  readonly sockets: { readonly api: string; readonly link: string; readonly token: string }
  readonly version: string
}
