-- What principals have read lately, from where, and who could have written it.
CREATE TABLE aegis.taint (
  principal TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  visibility TEXT COLLATE "C" NOT NULL CHECK (visibility IN ('public', 'private', 'unknown')),
  repository TEXT NOT NULL,
  is_text INTEGER NOT NULL CHECK (is_text IN (0, 1)),
  at BIGINT NOT NULL,
  PRIMARY KEY (principal, source, visibility)
) WITH (fillfactor = 70);
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON aegis.taint TO led_app;
--> statement-breakpoint
GRANT UPDATE (repository, is_text, at) ON aegis.taint TO led_app;
