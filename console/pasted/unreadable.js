/**
 * Why a request cannot be read: a sentence that says what to do, and repeats nothing that was pasted but flags' names.
 */
export class Unreadable extends Error {
  name = 'Unreadable'
}
