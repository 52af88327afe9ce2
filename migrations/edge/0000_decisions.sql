CREATE TABLE `config_changes` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`changed_at` integer NOT NULL,
	`changed_by` text NOT NULL,
	`what` text NOT NULL,
	`before` text,
	`after` text NOT NULL,
	`applied_at` integer
);
--> statement-breakpoint
CREATE TABLE `decisions` (
	`id` text PRIMARY KEY NOT NULL,
	`region_id` text NOT NULL,
	`product_type` text NOT NULL,
	`tick` integer NOT NULL,
	`rules_version` text NOT NULL,
	`model_version` text,
	`source` text NOT NULL,
	`price_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`surge_multiplier` real NOT NULL,
	`decided_at` integer NOT NULL,
	`record` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `decisions_by_region` ON `decisions` (`region_id`,`decided_at`);--> statement-breakpoint
CREATE INDEX `decisions_by_age` ON `decisions` (`decided_at`);--> statement-breakpoint
CREATE TABLE `models` (
	`version` text PRIMARY KEY NOT NULL,
	`registered_at` integer NOT NULL,
	`registered_by` text NOT NULL,
	`bytes` integer NOT NULL,
	`card` text NOT NULL
);
