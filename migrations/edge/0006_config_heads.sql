CREATE TABLE `config_heads` (
	`what` text PRIMARY KEY NOT NULL,
	`version` text NOT NULL,
	`before` text,
	`changed_at` integer NOT NULL
);
