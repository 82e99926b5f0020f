"""The wizard: screens that are fed by fields, plans and events, and that know no cloud."""
