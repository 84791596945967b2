/**
 * `mesh completion bash | zsh`: a script for the shell. It asks `mesh __complete` for the words that may follow, so that names
 * of services, nodes and keys are those of this moment.
 */
import type { Context } from './declare.ts'
import { UsageFailure } from './failure.ts'

// Bash splits words at colons and equal signs; they are put back together, because keys and tags hold them.
const bash = `_mesh() {
  local cur words cword line
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n := cur words cword
  else
    cur="\${COMP_WORDS[COMP_CWORD]}" words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
  fi
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done \\
    < <("\${words[0]}" __complete -- "\${words[@]:1:cword}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]]; then compopt -o nospace; fi
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
}
complete -o bashdefault -o default -F _mesh mesh
`

const zsh = `#compdef mesh
_mesh() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( \${#found} == 0 )); then _files
  elif (( \${#found} == 1 )) && [[ \${found[1]} == */ ]]; then compadd -S '' -- "\${found[@]}"
  else compadd -- "\${found[@]}"
  fi
}
if [[ "\${funcstack[1]}" == _mesh ]]; then _mesh "$@"; else compdef _mesh mesh; fi
`

/** By shell; the package installs them too. */
export const completionScripts = { bash, zsh } as const

const scripts: Readonly<Record<string, string>> = completionScripts

export function showCompletion({ terminal }: Context, shell: string): void {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
  if (script === undefined)
    throw new UsageFailure(`there is no completion for "${shell}": use bash or zsh`, 'mesh completion bash')
  terminal.line(script.trimEnd())
}
