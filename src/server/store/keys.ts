/**
 * Keys of the store's trees: parts that each end with U+0000, which no name of the mesh contains. So keys order by
 * their parts one after the other, and no key is the beginning of another.
 */
export const key1 = (a: string): string => `${a}\u0000`
export const key2 = (a: string, b: string): string => `${a}\u0000${b}\u0000`
export const key3 = (a: string, b: string, c: string): string => `${a}\u0000${b}\u0000${c}\u0000`

/** There is one row of settings. */
export const settingsKey = key1('cluster')
