/** A moment as `6 Apr 14:22:05`, in UTC. `at` in milliseconds since the epoch, or RFC 3339. */
export function When({ at, seconds = true }: { readonly at: number | string; readonly seconds?: boolean }) {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return <span class="dim">unknown</span>
  const text = date.toISOString()
  return <time datetime={text}>{shortTime(date, seconds)}</time>
}

/** What is left until a moment: the page counts on where its script runs. */
export function Countdown({ until, now }: { readonly until: number; readonly now: number }) {
  return (
    <time datetime={new Date(until).toISOString()} data-until={until} title={`${new Date(until).toISOString()} (UTC)`}>
      {until <= now ? 'over' : `${duration(until - now)} left`}
    </time>
  )
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function shortTime(date: Date, seconds: boolean): string {
  const time = date.toISOString().slice(11, seconds ? 19 : 16)
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''} ${time}`
}

/** `45 s`, `12 min`, `3 h 5 min`, `2 d 3 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
