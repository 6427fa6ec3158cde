#!/usr/bin/env node
import { run } from './entry.ts'

run('aegis')
