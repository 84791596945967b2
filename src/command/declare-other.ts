/** Commands about the command line itself: explain, completion, version. */
import type { Command } from 'commander'
import { contextOf, declare, type SharedOptions, withOutput } from './declare.ts'
import { showVersion } from './version.ts'

export function declareOther(program: Command): void {
  program.commandsGroup('Other:')
  withOutput(declare(program, 'explain [code]', 'say what a code means')).action(
    async (code: string | undefined, options: SharedOptions) => {
      const { explain } = await import('./explain.ts')
      explain(contextOf(options), code)
    },
  )
  declare(program, 'completion <shell>', 'completion of words for bash or zsh')
    .addHelpText(
      'after',
      '\nBash: mesh completion bash > /etc/bash_completion.d/mesh\nZsh:  mesh completion zsh > /usr/share/zsh/vendor-completions/_mesh',
    )
    .action(async (shell: string) => {
      const { showCompletion } = await import('./completion.ts')
      showCompletion(contextOf({}), shell)
    })
  program
    .command('__complete [words...]', { hidden: true })
    .allowUnknownOption()
    .action(async (words: readonly string[]) => {
      const { complete } = await import('./complete.ts')
      for (const word of await complete(program, words)) process.stdout.write(`${word}\n`)
    })
  withOutput(declare(program, 'version', 'show the version')).action((options: SharedOptions) => {
    showVersion(contextOf(options))
  })
}
