/**
 * What proxies acknowledge to have in force, as names in one book: the intentions of a destination under the service's own
 * name, and which of its instances are in maintenance under a name that no service can have.
 */
const balancedPrefix = 'upstream:'

/** Those who balance over the instances of `service`: the number they acknowledge is the log index of the newest maintenance. */
export const balancedName = (service: string): string => `${balancedPrefix}${service}`

export const isBalancedName = (name: string): boolean => name.startsWith(balancedPrefix)
