/**
 * Preloaded into a helper process (`node --import`): ends it when whoever started it has gone, however it went.
 * The starter holds the other end of stdin and never writes; after a `kill -9` the kernel closes it.
 */
process.stdin.on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(0))
process.stdin.resume()
// A helper that cannot start must end, and not wait for its starter.
if ('unref' in process.stdin) process.stdin.unref()
