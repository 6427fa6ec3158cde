/** Loaded before a program with `--import`: says at its end, on file descriptor 3, what it used. */
import { writeSync } from 'node:fs'

process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  writeSync(3, JSON.stringify({ rss_kib: maxRSS, cpu_us: userCPUTime + systemCPUTime }))
})
