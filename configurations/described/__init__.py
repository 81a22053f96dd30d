"""Operations of configurations, and the shapes of their answers, for the API's document."""
