{# The map between positions, as the object of kernels/convolution.hpp. #}
{% macro map() %}
const neuro_ep::{{kind}} _map = { {{geometry.numbers|join(", ")}} };
const int _replicas = {{replicas}}, _maps = {{maps}}, _weights = {{inputs * channels}};
{% endmacro %}
