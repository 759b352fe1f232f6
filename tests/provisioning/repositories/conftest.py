from tests.code_repositories import forge, forge_developer, new_plugin, platform, plugin  # noqa: F401 - fixtures
