CREATE TABLE `bronze_files` (
	`path` text PRIMARY KEY NOT NULL,
	`entity` text NOT NULL,
	`topic` text NOT NULL,
	`date` text NOT NULL,
	`rows` integer NOT NULL,
	`bytes` integer NOT NULL,
	`first_received_at` integer NOT NULL,
	`last_received_at` integer NOT NULL,
	`written_at` integer NOT NULL,
	`replaced_at` integer
);
--> statement-breakpoint
CREATE TABLE `log_cursors` (
	`reader` text NOT NULL,
	`writer` text NOT NULL,
	`sequence` integer NOT NULL,
	`reading_to` integer,
	`gap_noticed_at` integer,
	PRIMARY KEY(`reader`, `writer`)
);
--> statement-breakpoint
CREATE TABLE `log_losses` (
	`reader` text NOT NULL,
	`writer` text NOT NULL,
	`first_sequence` integer NOT NULL,
	`last_sequence` integer NOT NULL,
	`reason` text NOT NULL,
	`detail` text NOT NULL,
	`noted_at` integer NOT NULL,
	PRIMARY KEY(`reader`, `writer`, `first_sequence`)
);
