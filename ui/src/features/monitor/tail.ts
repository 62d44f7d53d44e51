/** The last `most` of what was pushed, in order. Every step takes the same time on average, however many there are. */
export class Tail<T> {
  readonly #most: number
  #items: T[] = []
  #head = 0

  constructor(most: number) {
    this.#most = most
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  at(place: number): T | undefined {
    return place < 0 ? undefined : this.#items[this.#head + place]
  }

  push(item: T): void {
    this.#items.push(item)
    if (this.length > this.#most) this.shift()
  }

  shift(): void {
    if (this.length === 0) return
    this.#head += 1
    if (this.#head >= this.#most) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }

  all(): T[] {
    return this.#items.slice(this.#head)
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}
