dyn Any +
