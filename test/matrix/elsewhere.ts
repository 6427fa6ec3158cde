/** Groups that need processes, disks or servers: which suite holds them, by the sentences of its tests. */
export const ELSEWHERE: readonly {
  readonly group: string
  readonly file: string
  readonly tests: readonly string[]
}[] = [
  {
    group: 'T8 a disk that fails, whole',
    file: 'slow/faults.test.ts',
    tests: ['a disk that fails at any call loses nothing that was acknowledged'],
  },
  {
    group: 'T9 kill -9',
    file: 'store/crash.test.ts',
    tests: ['holds every acknowledged entry after each of'],
  },
  { group: 'T9 kill -9', file: 'e2e/crash.test.ts', tests: ['a server killed in the middle of its work'] },
  {
    group: 'T9 kill -9, whole',
    file: 'slow/crash.test.ts',
    tests: ['times at random points keeps every acknowledged entry'],
  },
  {
    group: 'T9 kill -9 and power of PostgreSQL',
    file: 'store/postgres/gateways.test.ts',
    tests: ['lose nothing acknowledged when one is killed and the database restarts'],
  },
  {
    group: 'T10 several gateways',
    file: 'store/postgres/gateways.test.ts',
    tests: ['give every entry one place in one chain, and redeem an approval once', 'open beside one that is busy'],
  },
  {
    group: 'T11 faults of PostgreSQL',
    file: 'store/postgres/faults.test.ts',
    tests: [
      'acknowledges once what was committed though its answer was lost',
      'says that nothing was written where the COMMIT itself was lost',
      'still writes the result of what has happened, once, after it could not',
      'finds out what became of a batch though the answer is lost again and again',
      'takes a new connection where a pooler has closed the old one',
      'refuses to go on over a database that was put back to an older state',
      'lets a gateway go that stalls while it holds the head',
    ],
  },
  {
    group: 'T13 full disk',
    file: 'store/crash.test.ts',
    tests: ['refuses what cannot be written, loses nothing', 'below the floor only results are written'],
  },
  {
    group: 'T13 a file that is gone',
    file: 'store/sqlite.test.ts',
    tests: ['that is replaced or unlinked under a running gateway takes nothing more'],
  },
  {
    group: 'T13 an anchor that cannot be written',
    file: 'anchors/file-anchor.test.ts',
    tests: ['says where it cannot write'],
  },
  {
    group: 'T13 an anchor that cannot be written',
    file: 'anchors/dispatcher.test.ts',
    tests: ['tries again what failed, tells what went wrong'],
  },
  {
    group: 'T13 full disk',
    file: 'e2e/bad-surroundings.test.ts',
    tests: ['lets nothing through that it cannot record'],
  },
  {
    group: 'T14 forbidden statements in PostgreSQL',
    file: 'store/postgres/roles.test.ts',
    tests: ['is refused: %s', 'the owner is stopped', 'a superuser who skips ordinary triggers', 'verify tells'],
  },
]
