CREATE TABLE `dead_letter_actions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`by` text NOT NULL,
	`action` text NOT NULL,
	`selection` text NOT NULL,
	`affected` integer
);
--> statement-breakpoint
CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`queue` text NOT NULL,
	`region_id` text,
	`reason` text NOT NULL,
	`detail` text NOT NULL,
	`first_at` integer NOT NULL,
	`last_at` integer NOT NULL,
	`deliveries` integer NOT NULL,
	`last_message_id` text NOT NULL,
	`redrives` integer DEFAULT 0 NOT NULL,
	`redriven_at` integer,
	`content_type` text NOT NULL,
	`bytes` integer NOT NULL,
	`body` blob NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dead_letters_by_age` ON `dead_letters` (`last_at`,`id`,`bytes`);--> statement-breakpoint
CREATE INDEX `dead_letters_by_queue` ON `dead_letters` (`queue`,`last_at`,`id`,`bytes`);--> statement-breakpoint
CREATE INDEX `dead_letters_by_region` ON `dead_letters` (`region_id`,`last_at`,`id`);--> statement-breakpoint
CREATE TABLE `late_events` (
	`id` text PRIMARY KEY NOT NULL,
	`region_id` text NOT NULL,
	`event_type` text NOT NULL,
	`occurred_at` integer NOT NULL,
	`arrived_at` integer NOT NULL,
	`key_hash` text NOT NULL,
	`user_hash` text,
	`product_type` text,
	`quantity` integer NOT NULL,
	`metadata` text NOT NULL,
	`stored_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `late_events_by_arrival` ON `late_events` (`arrived_at`,`id`);--> statement-breakpoint
CREATE INDEX `late_events_by_region` ON `late_events` (`region_id`,`arrived_at`,`id`,`occurred_at`);--> statement-breakpoint
CREATE INDEX `late_events_by_age` ON `late_events` (`stored_at`);