/** Runs one command line; the number is the exit status. */
export async function run(_args: readonly string[]): Promise<number> {
  return 0
}
