/**
 * `--holdout SEED`: mistakes that nobody chose. Random mutations of the consensus code are tried one at a time; those that
 * survive are listed, because each of them either changes nothing or is something that no checker looks at.
 */
import { type Controls, type HuntOptions, hunt } from './hunt.ts'
import { drawMutations, type Mutation, mutated } from './mutations.ts'

const mutationsDrawn = 40
/** Of them must be found. */
const killedLeast = 34

/** True if enough were found. `only`: of those that were drawn, the ones whose line in the report holds this text. */
export async function holdOut(
  seed: number,
  only: string,
  controls: Controls,
  options: HuntOptions,
): Promise<boolean> {
  const drawn = drawMutations(seed, mutationsDrawn)
  const tried = drawn.filter((mutation) => placeOf(mutation).includes(only))
  const survivors: Mutation[] = []
  let killed = 0
  for (const mutation of tried) {
    const texts = [{ file: mutation.file, text: mutated(mutation) }]
    const { kill, seeds, wallMs } = await hunt(texts, controls, options)
    const cost = `${seeds} seeds, ${(wallMs / 1_000).toFixed(0)} s`
    if (kill === undefined) survivors.push(mutation)
    else killed += 1
    const verdict = kill === undefined ? 'SURVIVED' : `${kill.finding.rule} at seed ${kill.seed}`
    console.log(`${placeOf(mutation)}: ${verdict} (${cost})`)
  }
  const wanted = Math.min(killedLeast, tried.length)
  console.log(`\n${killed} of ${tried.length} mutations found, at least ${wanted} are wanted`)
  for (const mutation of survivors)
    console.log(`survived: ${placeOf(mutation)}\n  - ${mutation.before}\n  + ${mutation.after}`)
  return killed >= wanted
}

const placeOf = ({ file, line, kind, before }: Mutation): string =>
  `${file}:${line} ${kind}: ${before.split('\n')[0]?.slice(0, 70)}`
