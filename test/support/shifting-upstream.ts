import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { UpstreamSettings } from '../../src/config.ts'
import { DEFAULT_LISTING, type Listing } from '../../src/gateway/ports.ts'

export interface ShiftingTool {
  readonly name: string
  readonly description: string
}

/** A real MCP server whose tools are whatever the test says at the moment, and which remembers what reached it. */
export interface ShiftingUpstream {
  readonly url: string
  tools: ShiftingTool[]
  /** What it tells clients in its greeting. */
  instructions: string
  /** `tools/call read`, `resources/read memo://a`, ... as they arrived. */
  readonly heard: string[]
  close(): Promise<void>
}

/** Its entry in `aegis.yaml`. */
export function settingsOf({ url }: ShiftingUpstream, listing: Partial<Listing> = {}): UpstreamSettings {
  const route = { kind: 'http', url, headers: {} } as const
  const shown = { ...DEFAULT_LISTING, ...listing }
  return { catalog: 'none', route, credential: null, onReview: 'refuse', timeout: null, listing: shown }
}

export function plainTool(name: string, description = `does ${name}`): ShiftingTool {
  return { name, description }
}

export async function startShiftingUpstream(): Promise<ShiftingUpstream> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const http = createServer(async (request, response) => {
    const known = sessions.get(String(request.headers['mcp-session-id']))
    await (known ?? (await open())).handleRequest(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const upstream: ShiftingUpstream = {
    url: `http://127.0.0.1:${port}/mcp`,
    tools: [plainTool('read'), plainTool('write')],
    instructions: 'Read before you write.',
    heard: [],
    async close() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await answering(upstream).connect(transport as Parameters<Server['connect']>[0])
    return transport
  }

  return upstream
}

/** The tools `ask` and `think` ask the client something before they answer. */
function answering(upstream: ShiftingUpstream): Server {
  const { heard } = upstream
  const server = new Server(
    { name: 'shifting', version: '1' },
    { capabilities: { tools: {}, resources: {}, prompts: {} }, instructions: upstream.instructions },
  )
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: upstream.tools.map((tool) => ({ ...tool, inputSchema: { type: 'object' as const } })),
    cacheScope: 'public',
    ttlMs: 60_000,
    note: 'of the list',
  }))
  server.setRequestHandler(ListPromptsRequestSchema, async () => ({ prompts: [{ name: 'review' }] }))
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }) => {
    heard.push(`resources/read ${params.uri}`)
    return { contents: [{ uri: params.uri, text: 'content' }] }
  })
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    heard.push(`prompts/get ${params.name}`)
    return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'please' } }] }
  })
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { requestId }) => {
    heard.push(`tools/call ${params.name}`)
    return { content: [{ type: 'text', text: await said(server, params.name, requestId) }] }
  })
  return server
}

async function said(server: Server, tool: string, relatedRequestId: string | number): Promise<string> {
  // On the stream of the call: the client's standing one may not be open yet.
  const options = { relatedRequestId }
  try {
    if (tool === 'ask') {
      const requestedSchema = { type: 'object' as const, properties: {} }
      return JSON.stringify(await server.elicitInput({ message: 'which one?', requestedSchema }, options))
    }
    if (tool === 'think') {
      const content = { type: 'text' as const, text: 'think' }
      return JSON.stringify(
        await server.createMessage({ messages: [{ role: 'user', content }], maxTokens: 1 }, options),
      )
    }
    return 'done'
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : String(error)}`
  }
}
