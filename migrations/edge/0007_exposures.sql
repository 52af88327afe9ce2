CREATE TABLE `exposure_counts` (
	`experiment` text NOT NULL,
	`variant` text NOT NULL,
	`users` integer NOT NULL,
	PRIMARY KEY(`experiment`, `variant`)
);
--> statement-breakpoint
CREATE TABLE `exposures` (
	`experiment` text NOT NULL,
	`user_hash` text NOT NULL,
	`variant` text NOT NULL,
	`region_id` text NOT NULL,
	`product_type` text NOT NULL,
	`decision_id` text NOT NULL,
	`exposed_at` integer NOT NULL,
	`logged_at` integer NOT NULL,
	PRIMARY KEY(`experiment`, `user_hash`)
);
--> statement-breakpoint
CREATE INDEX `exposures_by_user` ON `exposures` (`user_hash`,`logged_at`);--> statement-breakpoint
CREATE INDEX `exposures_by_age` ON `exposures` (`logged_at`);